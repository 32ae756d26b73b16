; Elements with an id, and files that the page loads.

(element
  (start_tag
    (attribute
      (attribute_name) @_id
      (quoted_attribute_value (attribute_value) @name))) @definition.variable
  (#eq? @_id "id"))
(element
  (start_tag
    (tag_name) @_link
    (attribute
      (attribute_name) @_href
      (quoted_attribute_value (attribute_value) @module))) @import
  (#eq? @_link "link")
  (#eq? @_href "href"))
(script_element
  (start_tag
    (attribute
      (attribute_name) @_src
      (quoted_attribute_value (attribute_value) @module))) @import
  (#eq? @_src "src"))

(attribute
  (attribute_name) @_class
  (quoted_attribute_value (attribute_value) @reference.class)
  (#eq? @_class "class"))
