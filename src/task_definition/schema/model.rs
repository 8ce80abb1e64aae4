//! The ECS API model of `RegisterTaskDefinition` as a tree of shapes, for whoever describes it to somebody else. It
//! looks at no document.

use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};

use super::{enumeration, local_name, unmodelled};

/// What a value of the model looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An object with these members.
    Structure(Vec<Member>),
    /// An array of such items.
    List(Box<Shape>),
    /// An object with keys of the writer's own and such values.
    Map(Box<Shape>),
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A text, with its enumeration where it has one.
    Text(Option<&'static [&'static str]>),
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The structure and the member, such as `PortMapping$containerPort`.
    pub id: String,
    /// The member's name.
    pub name: String,
    /// Its values.
    pub shape: Shape,
}

/// The shape of a whole task definition.
pub fn model() -> Shape {
    let mut walker = Walker::default();
    // The generated code fails where a required member is missing, after it has read all others; here every member is
    // read.
    let _ = RegisterTaskDefinitionInput::deserialize(&mut walker);
    walker.seen
}

/// Lets the generated code read one value, and notes what it asks for.
#[derive(Debug)]
struct Walker {
    seen: Shape,
}

impl Default for Walker {
    fn default() -> Self {
        Self { seen: Shape::Structure(Vec::new()) }
    }
}

impl Walker {
    fn note<T: Default>(&mut self, shape: Shape) -> T {
        self.seen = shape;
        T::default()
    }
}

/// The text that a text, or an item of a list, of this schema is.
fn text(schema: &Schema<'_>) -> Shape {
    Shape::Text(enumeration(local_name(schema)))
}

impl ShapeDeserializer for Walker {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        consume: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut members = Vec::new();
        for member in schema.members() {
            let mut value = Self::default();
            let _ = consume(member, &mut value);
            let (id, name) = (local_name(member).to_owned(), member.member_name().unwrap_or_default().to_owned());
            members.push(Member { id, name, shape: value.seen });
        }
        self.seen = Shape::Structure(members);
        Ok(())
    }

    fn read_list(
        &mut self,
        schema: &Schema<'_>,
        consume: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut item = Self::default();
        let _ = consume(&mut item);
        // An enumeration belongs to the list's own member, as the items have no name.
        let item = if matches!(item.seen, Shape::Text(_)) { text(schema) } else { item.seen };
        self.seen = Shape::List(Box::new(item));
        Ok(())
    }

    fn read_map(
        &mut self,
        _schema: &Schema<'_>,
        consume: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let mut value = Self::default();
        let _ = consume(String::new(), &mut value);
        self.seen = Shape::Map(Box::new(value.seen));
        Ok(())
    }

    fn read_boolean(&mut self, _schema: &Schema<'_>) -> Result<bool, SerdeError> {
        Ok(self.note(Shape::Boolean))
    }

    fn read_byte(&mut self, _schema: &Schema<'_>) -> Result<i8, SerdeError> {
        unmodelled()
    }

    fn read_short(&mut self, _schema: &Schema<'_>) -> Result<i16, SerdeError> {
        unmodelled()
    }

    fn read_integer(&mut self, _schema: &Schema<'_>) -> Result<i32, SerdeError> {
        Ok(self.note(Shape::Integer))
    }

    fn read_long(&mut self, _schema: &Schema<'_>) -> Result<i64, SerdeError> {
        Ok(self.note(Shape::Integer))
    }

    fn read_float(&mut self, _schema: &Schema<'_>) -> Result<f32, SerdeError> {
        unmodelled()
    }

    fn read_double(&mut self, _schema: &Schema<'_>) -> Result<f64, SerdeError> {
        Ok(self.note(Shape::Number))
    }

    fn read_big_integer(&mut self, _schema: &Schema<'_>) -> Result<BigInteger, SerdeError> {
        unmodelled()
    }

    fn read_big_decimal(&mut self, _schema: &Schema<'_>) -> Result<BigDecimal, SerdeError> {
        unmodelled()
    }

    fn read_string(&mut self, schema: &Schema<'_>) -> Result<String, SerdeError> {
        Ok(self.note(text(schema)))
    }

    fn read_blob(&mut self, _schema: &Schema<'_>) -> Result<Blob, SerdeError> {
        unmodelled()
    }

    fn read_timestamp(&mut self, _schema: &Schema<'_>) -> Result<DateTime, SerdeError> {
        unmodelled()
    }

    fn read_document(&mut self, _schema: &Schema<'_>) -> Result<Document, SerdeError> {
        unmodelled()
    }

    fn is_null(&self) -> bool {
        false
    }

    fn skip_value(&mut self) -> Result<(), SerdeError> {
        Ok(())
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member<'a>(shape: &'a Shape, name: &str) -> &'a Shape {
        let Shape::Structure(members) = shape else { panic!("{shape:?} has no members") };
        &members.iter().find(|member| member.name == name).unwrap_or_else(|| panic!("{name} is missing")).shape
    }

    fn item(shape: &Shape) -> &Shape {
        let Shape::List(item) = shape else { panic!("{shape:?} is not a list") };
        item
    }

    #[test]
    fn the_tree_reaches_from_the_task_to_the_smallest_value() {
        let task = model();
        let container = item(member(&task, "containerDefinitions"));
        let port = item(member(container, "portMappings"));
        assert_eq!(*member(port, "containerPort"), Shape::Integer);
        assert_eq!(*member(port, "protocol"), Shape::Text(Some(&["tcp", "udp"])));
        assert_eq!(*member(container, "essential"), Shape::Boolean);
        assert_eq!(*member(container, "dockerLabels"), Shape::Map(Box::new(Shape::Text(None))));
        assert_eq!(*item(member(container, "command")), Shape::Text(None));
        let Shape::Text(Some(values)) = item(member(&task, "requiresCompatibilities")) else {
            panic!("the items of a list have lost their enumeration")
        };
        assert!(values.contains(&"FARGATE"));
    }

    #[test]
    fn no_structure_is_empty() {
        fn walk(id: &str, shape: &Shape) {
            match shape {
                Shape::Structure(members) => {
                    assert!(!members.is_empty(), "{id} was not read");
                    for member in members {
                        walk(&member.id, &member.shape);
                    }
                }
                Shape::List(inner) | Shape::Map(inner) => walk(id, inner),
                _ => {}
            }
        }
        walk("RegisterTaskDefinitionInput", &model());
    }
}
